/* list.h - intrusive doubly linked lists: the links live in the listed objects.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Head and link are of one type. A zeroed link is in no list; a head needs tw_list_init. */
struct tw_list {
    struct tw_list *next, *prev;
};

static inline void tw_list_init(struct tw_list *head)
{
    head->next = head->prev = head;
}

static inline bool tw_list_empty(const struct tw_list *head)
{
    return head->next == head || head->next == NULL;
}

/* Whether a link (not a head) is in some list. */
static inline bool tw_list_linked(const struct tw_list *link)
{
    return link->next != NULL;
}

static inline void tw_list_append(struct tw_list *head, struct tw_list *link)
{
    link->prev = head->prev;
    link->next = head;
    head->prev->next = link;
    head->prev = link;
}

static inline void tw_list_prepend(struct tw_list *head, struct tw_list *link)
{
    tw_list_append(head->next, link); /* before the first means after the head */
}

/* Fine on a link that is in no list. */
static inline void tw_list_remove(struct tw_list *link)
{
    if (link->next == NULL)
        return;
    link->prev->next = link->next;
    link->next->prev = link->prev;
    link->next = link->prev = NULL;
}

/* The first link, taken out of the list; null when it is empty. */
static inline struct tw_list *tw_list_shift(struct tw_list *head)
{
    struct tw_list *first = head->next;

    if (tw_list_empty(head))
        return NULL;
    head->next = first->next;
    first->next->prev = head;
    first->next = first->prev = NULL;
    return first;
}

/* Moves all of `from` to the end of `to`; `from` is empty then. */
static inline void tw_list_move_all(struct tw_list *to, struct tw_list *from)
{
    if (tw_list_empty(from))
        return;
    from->next->prev = to->prev;
    to->prev->next = from->next;
    from->prev->next = to;
    to->prev = from->prev;
    tw_list_init(from);
}

/* `link` may be removed in the body; its neighbours may not. */
#define tw_list_each(head, link)                                                               \
    for (struct tw_list *link = (head)->next, *link##_next = link->next; link != (head);       \
         link = link##_next, link##_next = link->next)
